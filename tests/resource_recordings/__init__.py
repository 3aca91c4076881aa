"""What lab hosts answered to a look at their resources, and how it was recorded."""
