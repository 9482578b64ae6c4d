"""Every sentence people read in Slack: what is said, never when or to whom. Read it and change it here.

Pure: nothing in it asks Slack, the log or the clock. What an operator reads in a terminal stands with its
command, and what a provider's answer means with its adapter.
"""
