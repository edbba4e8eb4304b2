"""Docker engines: the only package that imports `docker`. Containers of nodes and pods, by fixed names and labels."""
