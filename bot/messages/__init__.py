"""Every sentence people read in Slack: what is said, never when or to whom. Read it and change it here.

Pure: nothing in it asks Slack, the log or the clock. What an operator reads in a terminal stands with its
command. What comes of a request at a provider is said by its adapter, for a provider is one file.
"""
