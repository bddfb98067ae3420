"""The world: customers, sales, warehouse, clerks and money, as SimPy processes on the twin's clock."""
