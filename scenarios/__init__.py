"""The scenarios: tables of situations, and what loads, runs, judges and reports them."""
