"""The truth of chats, questions, feedbacks, claims and returns of goods.

What the vendor nests in an object (answers, product details, goods) is one JSON column; of an event's message there are two, `text` and
`attachments`. Chats that are listed no more may be known from their events and need not be compared; claims are forgotten after two weeks.
"""

from collections.abc import Iterator
from datetime import datetime

from mpsyncd.sandbox.wildberries import chats, claims, feedbacks
from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row, utc
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.talk import Speaker


def _chats(seller: Seller, _moment: datetime) -> Iterator[Row]:
    book = seller.chats
    for chat in book.chats():
        row = chats.chat_row(book, chat)
        yield {
            "chat_id": chat.number,
            "reply_sign": chat.sign,
            "client_name": chat.buyer,
            "good_card": row.get("goodCard"),
            "last_message": row.get("lastMessage"),
        } | ({} if chat.listed else LEFT)


def _chat_events(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for event in seller.chats.events():
        chat = seller.chats.chat(event.chat)
        yield {
            "chat_id": event.chat,
            "event_id": event.number,
            "event_type": "message",
            "is_new_chat": True if event.opens else None,
            "text": event.text,
            "attachments": chats.attachments_of(event) or None,
            "source": event.source or None,
            "add_timestamp": chats.milliseconds(event.at),
            "add_time": utc(event.at),
            "reply_sign": chat.sign if event.opens else None,
            "sender": chats.SENDERS[event.speaker],
            "client_name": chat.buyer if event.speaker is Speaker.BUYER else None,
        }


def _questions(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for one in seller.voices.questions.every():
        yield {
            "id": one.number,
            "text": one.text,
            "created_date": utc(one.at),
            "state": feedbacks.question_state(one),
            "answer": None if one.answer is None else feedbacks.question_answer(one.answer),
            "product_details": feedbacks.product(one.about, seller=seller.spec.title),
            "was_viewed": one.viewed,
            "is_warned": one.suspicious,
        }


def _feedbacks(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for one in seller.voices.feedbacks.every():
        yield {
            "id": one.number,
            "text": one.text,
            "pros": one.pros,
            "cons": one.cons,
            "product_valuation": one.stars,
            "created_date": utc(one.at),
            "answer": None if one.answer is None else feedbacks.feedback_answer(one.answer),
            "state": "none" if one.answer is None else "wbRu",
            "product_details": {**feedbacks.product(one.about, seller=seller.spec.title), "size": one.about.size},
            "photo_links": feedbacks.photos(one),
            "video": feedbacks.video(one),
            "was_viewed": one.viewed,
            "user_name": one.buyer,
            "order_status": one.order_state,
            "matching_size": one.fit,
            "is_able_supplier_feedback_valuation": one.stars == 1,
            "supplier_feedback_valuation": 0,
            "is_able_supplier_product_valuation": False,
            "supplier_product_valuation": 0,
            "is_able_return_product_orders": False,
            "return_product_orders_date": None,
            "bables": None if one.tags is None else list(one.tags),
            "last_order_shk_id": one.label,
            "last_order_created_at": utc(one.bought_at),
            "color": one.color,
            "subject_id": one.about.subject_id,
            "subject_name": one.about.subject,
            "parent_feedback_id": one.parent,
            "child_feedback_id": one.child,
        }


def _claims(seller: Seller, moment: datetime) -> Iterator[Row]:
    for one in seller.voices.claims.every():
        row = claims.claim_row(one)
        yield (
            row
            | {
                "dt": utc(one.at),
                "order_dt": utc(one.ordered_at),
                "dt_update": utc(one.decided_at or one.at),
                "delivery_dt": utc(one.delivered_at),
                "price": str(one.price),
            }
            | ({} if claims.is_told(one, moment) else LEFT)
        )


def _item_returns(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for one in seller.voices.returns.every():
        yield {
            "srid": one.srid,
            "sku": one.barcode,
            "brand": one.brand,
            "completed_dt": None if one.taken_at is None else utc(one.taken_at),
            "dst_office_address": "Приречный Набережная 6к2",
            "kiz": one.marking,
            "dst_office_id": 310_105,
            "expired_dt": None if one.expires_at is None else utc(one.expires_at),
            "nm_id": one.nm_id,
            "order_dt": one.ordered.isoformat(),
            "order_id": one.assembly,
            "ready_to_return_dt": None if one.ready_at is None else utc(one.ready_at),
            "return_reason": one.reason,
            "return_type": one.kind,
            "shk_id": one.label,
            "return_status": claims.state_of(one),
            "sticker_id": str(one.label // 3),
            "subject_name": one.subject,
            "tech_size": one.tech_size,
        }


TABLES: tuple[tuple[str, Read], ...] = (
    ("wb.chats", _chats),
    ("wb.chat_events", _chat_events),
    ("wb.questions", _questions),
    ("wb.feedbacks", _feedbacks),
    ("wb.claims", _claims),
    ("wb.item_returns", _item_returns),
)
