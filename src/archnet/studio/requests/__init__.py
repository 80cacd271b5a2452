"""Requests of the page: their admission, validation and schemas."""
