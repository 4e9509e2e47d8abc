"""The pages for people: server-rendered, every state an address, no script needed."""
