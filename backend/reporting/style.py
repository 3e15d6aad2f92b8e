"""How a report looks: light and dark, on a phone, and on paper."""

STYLE = """
:root { --ink: #18212d; --quiet: #5b6675; --line: #dfe4ea; --page: #fff; --accent: #0f766e;
  --card: #f6f7f9 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #98a3b0; --line: #2a323d;
  --page: #0b0f15; --accent: #2dd4bf; --card: #121922 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 Inter, system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1.25rem 3rem }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .1rem 0 .5rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem }
p { margin: .4rem 0 }
.kind { color: var(--accent); font-weight: 600; font-size: .85rem }
.status, .note, footer { color: var(--quiet) }
.score { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .9rem 1.1rem; margin: 1rem 0 0 }
.score b { display: block; font-size: 1.9rem; line-height: 1.25 }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .42rem 1rem .42rem 0; vertical-align: top;
  border-top: 1px solid var(--line) }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; font-size: .85rem }
.facts th { color: var(--quiet); font-weight: 400; width: 38%; padding-right: 1rem }
td { overflow-wrap: anywhere }
.n { text-align: right }
.wide { overflow-x: auto }
.wide td { min-width: 4.5rem }
svg.curves { width: 100%; height: auto; display: block; color: var(--quiet) }
figure { margin: 0 }
details { margin-top: .6rem }
summary { cursor: pointer; color: var(--accent) }
ol { list-style: none; margin: 0; padding: 0 }
ol li { border-top: 1px solid var(--line); padding: .42rem 0; display: flex; gap: 1rem }
ol time { color: var(--quiet); white-space: nowrap; font-variant-numeric: tabular-nums }
footer { margin-top: 2.5rem; padding-top: .8rem; border-top: 1px solid var(--line);
  font-size: .85rem }
@media (max-width: 560px) { ol li { flex-direction: column; gap: 0 } main { padding-top: 1.2rem }
  figure { overflow-x: auto } svg.curves { min-width: 33rem } .wide table { min-width: 30rem } }
@media print {
  :root { --ink: #000; --quiet: #444; --line: #bbb; --page: #fff; --accent: #0f766e; --card: #fff }
  body { font-size: 10.5pt } main { max-width: none; padding: 0 }
  section, figure, tr, li { break-inside: avoid } h2, h3 { break-after: avoid }
  section:has(ol), section:has(.wide) { break-inside: auto } .wide { overflow: visible }
}
"""
