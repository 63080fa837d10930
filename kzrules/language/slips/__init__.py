"""What fingers type that knew another language, or slipped: told, and put right where it is plain."""
