"""The invented sellers and what they own, before any vendor spells it."""
