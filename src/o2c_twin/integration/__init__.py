"""The sync engine: it carries facts between systems, over HTTP, files and queues, as in life.

Flows say what must happen, connectors say it in a vendor's words, the runtime sees that it happens
once. Nothing here imports anything else of ours: the engine runs beside mocks and real systems alike.
"""
