"""What other tools said of hosts: their result files in, findings out. Each format is one file."""
