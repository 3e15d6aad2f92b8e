"""How much a score is worth: each test example's outcome, chance, naive guesses, differences."""
