"""What the name server knows, and what it says of it. Reads no socket."""

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

CLASSIC_LIMIT = 512  # bytes over UDP without EDNS (RFC 1035, 4.2.1)
_MAX_CHAIN = 8
_RECORDS = """
@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 60
@ 60 IN NS ns1
@ 60 IN A 127.0.0.1
@ 60 IN AAAA ::1
@ 60 IN MX 10 mail
@ 60 IN TXT "v=spf1 -all"
www 60 IN CNAME @
ns1 60 IN A 127.0.0.1
mail 60 IN A 127.0.0.1
"""
# More than a datagram holds, so that the answer must be asked for over TCP.
_LONG = "".join(f'long 60 IN TXT "{number:03d} {"x" * 200}"\n' for number in range(20))


class Zone:
    """Made in a thread: the library loads a module for each type of record."""

    def __init__(self, name: str) -> None:
        self._zone = dns.zone.from_text(_RECORDS + _LONG, origin=name + ".", relativize=False)
        assert self._zone.origin is not None
        self._origin = self._zone.origin
        self._soa = self._zone.get_rrset(self._origin, "SOA")

    def response(self, query: dns.message.Message) -> dns.message.Message:
        """The authoritative answer; REFUSED for what is not of this zone."""
        response = dns.message.make_response(query)
        question = query.question[0]
        if not question.name.is_subdomain(self._origin):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.flags |= dns.flags.AA
        name: dns.name.Name = question.name
        for _ in range(_MAX_CHAIN):
            if found := self._zone.get_rrset(name, question.rdtype):
                response.answer.append(found)
                return response
            alias = self._zone.get_rrset(name, dns.rdatatype.CNAME)
            if alias is None:
                break
            response.answer.append(alias)
            name = alias[0].target
        if self._zone.get_node(name) is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self._soa is not None:
            response.authority.append(self._soa)
        return response


def refusing(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.set_rcode(rcode)
    return response


def with_address(response: dns.message.Message, query: dns.message.Message, address: str) -> dns.message.Message:
    """The response with another address in place of the right ones, if it is about addresses."""
    question = query.question[0]
    if question.rdtype == dns.rdatatype.A:
        response.answer = [dns.rrset.from_text(question.name, 60, "IN", "A", address)]
        response.set_rcode(dns.rcode.NOERROR)
    return response


def datagram(response: dns.message.Message, query: dns.message.Message) -> bytes:
    """The response as it goes over UDP: with nothing but the truncation flag where it is too long."""
    limit = max(query.payload, CLASSIC_LIMIT)
    wire = response.to_wire(max_size=65_535)
    if len(wire) <= limit:
        return wire
    cut = dns.message.make_response(query)
    cut.flags |= dns.flags.TC | dns.flags.AA
    return cut.to_wire()
