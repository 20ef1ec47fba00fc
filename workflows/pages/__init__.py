"""What the screens show: everything a page needs, read in one transaction and put into the words and shapes of the page."""
