"""Label sessions: a person answers what the search asks, on a page in a browser, over as many days as it takes."""
