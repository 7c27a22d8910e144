"""From options to files people take away: the same for the page, the command line and HTTP."""
