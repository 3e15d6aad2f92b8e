// Curves as arrays: collecting points, smoothing them, and thinning them for the screen.
// Pure functions without a page; used by live_run.js.

const BUCKETS = 700; // a chart is never drawn with more than twice this many points per line
const HORIZON = 1000; // smoothing is counted in thousandths of the run's whole length

/** All points of one metric that were received, in step order. */
export class Curve {
  constructor() {
    this.steps = [];
    this.values = [];
  }

  /** Add points; those at or before the last step came twice and are dropped. */
  push(steps, values) {
    let last = this.steps.length ? this.steps[this.steps.length - 1] : -Infinity;
    for (let i = 0; i < steps.length; i++) {
      if (steps[i] <= last) continue;
      last = steps[i];
      this.steps.push(last);
      this.values.push(values[i] === null ? NaN : values[i]);
    }
  }

  get last() {
    for (let i = this.values.length - 1; i >= 0; i--) {
      if (Number.isFinite(this.values[i])) return this.values[i];
    }
    return undefined;
  }
}

/**
 * Mean over both sides with exponentially falling weights, counted in steps, not points: a gap of
 * many steps forgets more. An average of the past alone would run behind a falling curve.
 */
export function smooth(steps, values, strength, length) {
  const keep = Math.min(Math.sqrt(strength), 0.999);
  const count = values.length;
  const sums = new Float64Array(count), weights = new Float64Array(count);
  const pass = (start, end, by, weighOwn) => {
    let sum = 0, weight = 0, previous = steps[start];
    for (let i = start; i !== end; i += by) {
      if (!Number.isFinite(values[i])) continue;
      const gap = Math.abs(steps[i] - previous) / Math.max(1, length);
      const decay = keep ** (gap * HORIZON);
      previous = steps[i];
      sum *= decay;
      weight *= decay;
      sums[i] += sum + weighOwn * values[i];
      weights[i] += weight + weighOwn;
      sum += values[i];
      weight += 1;
    }
  };
  pass(0, count, 1, 1);
  pass(count - 1, -1, -1, 0); // the point itself was counted on the way there
  return values.map((value, i) => (Number.isFinite(value) ? sums[i] / weights[i] : NaN));
}

/** Indices of the lowest and highest point of each of BUCKETS stretches between two steps. */
export function thin(steps, values, first, last) {
  let from = 0, to = steps.length;
  while (from < to && steps[from] < first) from++;
  while (to > from && steps[to - 1] > last) to--;
  from = Math.max(0, from - 1);
  to = Math.min(steps.length, to + 1);
  const indices = [];
  if (to - from <= 2 * BUCKETS) {
    for (let i = from; i < to; i++) indices.push(i);
    return indices;
  }
  const width = (to - from) / BUCKETS;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const start = from + Math.floor(bucket * width);
    const end = from + Math.floor((bucket + 1) * width);
    let low = start, high = start;
    for (let i = start; i < end; i++) {
      if (!Number.isFinite(values[i])) continue;
      if (!(values[i] >= values[low])) low = i;
      if (!(values[i] <= values[high])) high = i;
    }
    if (low === high) indices.push(low);
    else indices.push(Math.min(low, high), Math.max(low, high));
  }
  return indices;
}

export const pick = (values, indices) => indices.map((i) => values[i]);
