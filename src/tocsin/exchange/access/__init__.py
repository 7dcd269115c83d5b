"""Access beyond what agreements give: grants, and the requests that ask for them."""
