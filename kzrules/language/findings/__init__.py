"""What is wrong, as data and as text: findings, their codes with a page each, and how they are shown."""
