"""Attributes of cases, from the user's table, from lists and from scan headers; patients of cases."""
