"""How a migration is written: from what the present ones make to what the models say."""
