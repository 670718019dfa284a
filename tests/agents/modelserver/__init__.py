"""A scripted model server: plays a list of turns to any client of three provider APIs, and records all that arrives."""
