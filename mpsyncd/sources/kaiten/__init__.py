"""Kaiten: spaces, boards and cards of a company, by its own address and key. Must not know how rows are stored."""
