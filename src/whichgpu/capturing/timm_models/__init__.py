"""timm's networks at any size of pictures, by their names: nothing is fetched, nothing has weights."""
