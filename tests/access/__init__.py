"""Who gets in where: one table for each app, and the test that no route is missing."""
