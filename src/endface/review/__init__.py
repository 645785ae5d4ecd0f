"""The folder of review cases: pictures that a person should look at, why they were kept, and what was said of them."""
