"""What tests share. Nothing here is imported by the program."""
