"""Fetching: public data sets, downloaded, checked and unpacked."""
