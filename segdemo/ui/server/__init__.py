"""The server among strangers: which requests it answers, how large they may be, what it leaves behind, how it ends.

Every limit is a setting (``segdemo/settings.py``); ``docs/robustness.md`` tells what each was tried against.
"""
