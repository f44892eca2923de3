"""Plays Kaiten: one company, its boards and cards, and the deliveries of its webhooks. Written from the vendor's contract alone."""
