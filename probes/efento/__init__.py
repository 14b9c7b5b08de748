"""The platform's languages, client side: protobuf, sensor (CoAP), gateway JSON, cloud API, synthetic signal."""
