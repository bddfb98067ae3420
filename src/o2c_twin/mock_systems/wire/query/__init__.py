"""The query languages vendors speak, each parsed, checked against a schema and run over a provider's rows.

A dialect describes its tables as data (``source.table``), implements the two methods of ``source.Source``, and
calls ``soql_plan.prepare`` or ``suiteql_plan.prepare``; a ``results.PlanCache`` keeps plans of repeated texts.
Every mistake of the client is an ``errors.QueryError`` that the dialect words as its vendor does.

    text -> tokens -> soql / suiteql (grammar) -> syntax (tree)
         -> binding (shared), soql_plan / oracle + joins + suiteql_plan (meaning) -> results.Plan
"""
