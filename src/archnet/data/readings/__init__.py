"""Radiologists' readings of LIDC-IDRI: read from a SQLite file, matched to LUNA16's nodules, turned into labels."""
