"""Reading the business by GraphQL: the rows and rights of the REST API, in the shape that the caller asks for."""
