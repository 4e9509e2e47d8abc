"""The face for assistants: the program's answers as tools of the Model Context Protocol."""
