"""The integrity of run folders: what a finished run recorded about its files, and whether they are still those."""
