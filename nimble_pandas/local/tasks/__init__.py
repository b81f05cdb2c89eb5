"""What the service does: batches and tasks, from the page to the delivered output."""
