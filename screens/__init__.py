"""The pages in front of people: the ordering kiosk and the taxi tablet. Plain files, no build step."""
