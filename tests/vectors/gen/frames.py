"""L1: what a Ready acceptor, with the default limits unless `limits` says otherwise, makes of bytes.

The session has had its handshake (ids 1 and 2), so the dialer's next id is 3.
"""

from .case import GROUP, MORE, VOLATILE, envelope, frame, invalid, valid
from .cbor import Raw

CALL = envelope(2, id=3, target="users.get", payload=b"\x07")
BEAT = envelope(6)
NOTE = envelope(2, target="log.line", payload=b"\x61h")


def took(*messages):
    """What comes out: each envelope, in order of completion."""
    return {"messages": [body.hex() for body in messages]}


def cut(body, size, group, flags=0):
    """All fragments of an envelope."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    last = len(parts) - 1
    return [
        frame(part, flags | GROUP | (MORE if index < last else 0), group)
        for index, part in enumerate(parts)
    ]


def whole():
    """Frames that are taken."""
    big = envelope(2, id=3, target="blob.put", payload=bytes(range(256)) * 4)
    other = envelope(2, id=5, target="blob.put", payload=b"\xff" * 600)
    event = envelope(5, target="news.today", payload=b"x" * 300)
    a, b = cut(big, 400, 1), cut(other, 400, 2)
    yield valid("call_in_one_frame", ["L1.len.1"], frame(CALL), took(CALL))
    yield valid("heartbeat_is_volatile", ["L1.volatile.1"], frame(BEAT, VOLATILE), took(BEAT))
    yield valid("goodbye_is_not_volatile", ["L1.volatile.1"], frame(envelope(7)), took(envelope(7)))
    yield valid("event_is_volatile", ["L1.volatile.1"], frame(event, VOLATILE), took(event))
    yield valid(
        "two_frames_back_to_back", ["L0.link.3"], frame(NOTE) + frame(CALL), took(NOTE, CALL)
    )
    yield valid("three_fragments", ["L1.group.6"], b"".join(a), took(big))
    yield valid("group_of_one_fragment", ["L1.group.6"], frame(CALL, GROUP, 1), took(CALL))
    yield valid(
        "fragments_of_one_byte", ["L1.group.6", "L1.body.1"], b"".join(cut(CALL, 1, 9)), took(CALL)
    )
    yield valid(
        "two_groups_interleaved",
        ["L1.order.3", "L1.group.6"],
        a[0] + b[0] + a[1] + b[1] + a[2],
        took(other, big),
        note="the id of the larger one is lower and arrives later: L3.id.4 allows it in fragments",
    )
    small = envelope(2, id=7, target="users.get", payload=b"\x07")
    yield valid(
        "small_call_overtakes_fragments",
        ["L1.order.3", "L3.id.4"],
        a[0] + frame(small) + a[1] + a[2],
        took(small, big),
    )
    yield valid(
        "heartbeat_between_fragments",
        ["L1.order.3"],
        a[0] + frame(BEAT, VOLATILE) + a[1] + a[2],
        took(BEAT, big),
    )
    yield valid(
        "fragments_of_an_event_are_volatile",
        ["L1.volatile.2"],
        b"".join(cut(event, 200, 1, VOLATILE)),
        took(event),
    )
    for number, name in ((63, "1_byte"), (64, "2_bytes"), (16384, "4_bytes"), (1 << 30, "8_bytes")):
        yield valid(
            f"group_number_of_{name}", ["L1.group.1"], b"".join(cut(CALL, 9, number)), took(CALL)
        )
    yield valid(
        "group_numbers_may_leave_gaps",
        ["L1.group.2"],
        frame(NOTE, GROUP, 5) + frame(CALL, GROUP, 90),
        took(NOTE, CALL),
    )
    yield valid(
        "frame_of_exactly_the_limit",
        ["L1.len.3"],
        frame(envelope(2, target="x", payload=b"z" * 1012)),
        took(envelope(2, target="x", payload=b"z" * 1012)),
        limits={"frame_bytes_max": 1024},
    )
    half = frame(CALL)[:-3]
    yield valid("a_frame_in_parts_waits", ["L0.link.2"], half, took(), note="nothing is refused")
    yield valid("four_bytes_of_length_wait", ["L1.len.5"], b"\x00\x0f\xff\xff", took())


def refused():
    """Frames that end the session."""
    yield invalid("length_zero", "L1.len.2", b"\x00\x00\x00\x00")
    yield invalid("length_above_the_limit", "L1.len.3", b"\x00\x10\x00\x01", "resource_exhausted")
    yield invalid("length_of_4_gib", "L1.len.3", b"\xff\xff\xff\xff", "resource_exhausted")
    yield invalid(
        "length_above_a_declared_limit",
        "L1.len.3",
        (1025).to_bytes(4, "big"),
        "resource_exhausted",
        limits={"frame_bytes_max": 1024},
    )
    yield invalid(
        "length_above_16_kib_before_ready",
        "L1.len.4",
        (16385).to_bytes(4, "big"),
        "resource_exhausted",
        phase="handshake",
    )
    yield invalid("bit_7", "L1.flags.1", frame(CALL, 0x80))
    yield invalid("codec_zstd", "L1.flags.2", frame(CALL, 1), "unimplemented")
    yield invalid("codec_gzip", "L1.flags.2", frame(CALL, 2), "unimplemented")
    yield invalid("codec_reserved", "L1.flags.2", frame(CALL, 3), "unimplemented")
    yield invalid("sealed", "L1.flags.3", frame(CALL, 4), "unimplemented")
    yield invalid("sequence_number", "L1.flags.4", frame(CALL, 8, extra=b"\x01"), "unimplemented")
    yield invalid("more_without_group", "L1.flags.5", frame(CALL, MORE))
    yield invalid("empty_body", "L1.body.1", frame(b""))
    yield invalid("empty_first_fragment", "L1.body.1", frame(b"", GROUP | MORE, 1))
    yield invalid(
        "empty_last_fragment",
        "L1.body.1",
        frame(CALL, GROUP | MORE, 1) + frame(b"", GROUP, 1),
    )
    yield invalid("volatile_call", "L1.volatile.1", frame(CALL, VOLATILE))
    yield invalid("volatile_goodbye", "L1.volatile.1", frame(envelope(7), VOLATILE))
    yield invalid(
        "volatile_credit",
        "L1.volatile.1",
        frame(envelope(6, ref=2, meta={2: 5}), VOLATILE),
        note="only an ACK without ref is volatile",
    )
    yield invalid("heartbeat_not_volatile", "L1.volatile.1", frame(BEAT))
    yield invalid("ping_not_volatile", "L1.volatile.1", frame(envelope(6, id=3)))
    yield invalid(
        "event_not_volatile", "L1.volatile.1", frame(envelope(5, target="a", payload=b"x"))
    )
    event = envelope(5, target="news.today", payload=b"x" * 300)
    yield invalid(
        "fragments_disagree_on_volatile",
        "L1.volatile.2",
        cut(event, 200, 1, VOLATILE)[0] + cut(event, 200, 1)[1],
    )
    yield invalid("volatile_group_of_a_call", "L1.volatile.1", b"".join(cut(CALL, 9, 1, VOLATILE)))
    yield invalid("group_number_missing", "L1.group.1", b"\x00\x00\x00\x01\x10")
    yield invalid("group_number_cut_off", "L1.group.1", b"\x00\x00\x00\x02\x10\x40")
    yield invalid(
        "group_number_not_shortest", "L1.group.1", frame(CALL, GROUP, Raw(b"\x40\x01"))
    )
    yield invalid("group_zero", "L1.group.2", frame(CALL, GROUP, 0))
    yield invalid(
        "group_used_again", "L1.group.2", frame(NOTE, GROUP, 4) + frame(CALL, GROUP, 4)
    )
    yield invalid(
        "group_lower_than_before", "L1.group.2", frame(NOTE, GROUP, 4) + frame(CALL, GROUP, 3)
    )
    yield invalid(
        "too_many_groups",
        "L1.group.3",
        b"".join(frame(CALL, GROUP | MORE, number) for number in (1, 2, 3)),
        "resource_exhausted",
        limits={"groups_max": 2},
    )
    yield invalid(
        "too_many_bytes_unfinished",
        "L1.group.4",
        b"".join(frame(b"z" * 800, GROUP | MORE, number) for number in (1, 2, 3)),
        "resource_exhausted",
        limits={"message_bytes_max": 1024, "reassembly_bytes_max": 2048},
    )
    large = envelope(2, id=3, target="blob.put", payload=b"z" * 1100)
    yield invalid(
        "message_too_long_in_fragments",
        "L1.group.5",
        b"".join(cut(large, 600, 1)),
        "resource_exhausted",
        limits={"message_bytes_max": 1024, "reassembly_bytes_max": 4096},
    )
    yield invalid(
        "fragment_before_ready",
        "L1.group.7",
        frame(CALL, GROUP, 1),
        "failed_precondition",
        phase="handshake",
    )


FILES = {"frame/valid": whole, "frame/invalid": refused}
