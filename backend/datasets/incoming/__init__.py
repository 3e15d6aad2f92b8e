"""What users bring: how it comes in, is understood, corrected and stored; behind the door."""
