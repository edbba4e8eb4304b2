"""What stands below an object's path: parts that are written separately, and things that can be done with it."""
