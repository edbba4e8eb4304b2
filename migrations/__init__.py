"""How the tables change over time. Date-first names; add before you take away (see CONTRIBUTING.md)."""
