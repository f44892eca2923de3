"""The truth of an invented Kaiten company and what happens to it. Knows no request and no spelling."""
