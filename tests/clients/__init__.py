"""The clients for those who connect to a house: `usual_client` and `usual.js`."""
