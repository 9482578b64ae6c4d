"""The store's tables, with the SQL for each subject."""
