"""The one loop: what a controller is (`contract`), what leads it (`runner`) and how its process starts (`process`)."""
