"""The truth as it should stand in the `kaiten` tables, and the list of its columns. Written as canonical.py of Wildberries says.

Columns are named as the vendor's keys are. A table has these columns and none besides what the program adds itself; keys that the vendor
sends and that are no column are named in :data:`NO_COLUMNS`: they repeat other tables, or change without a meaning.

| table | key | what of it |
|---|---|---|
| kaiten.spaces | id | archived ones too; `settings`, `allowed_card_type_ids` are jsonb |
| kaiten.users | id | inactive ones too; `work_time_settings` is jsonb |
| kaiten.card_types | id | `company_id` null: built in; `properties` is jsonb |
| kaiten.tags | id | one that no card has is not listed: it may be missing and may stay |
| kaiten.custom_properties | id | `data`, `fields_settings` are jsonb |
| kaiten.property_values | id | values of type select, with `deleted` ones (the call without `v2_select_search` tells them) |
| kaiten.boards | id | once, whatever number of spaces it is in; `cell_wip_limits`, `card_properties` are jsonb |
| kaiten.board_spaces | board_id, space_id | where a board lies in a space |
| kaiten.columns | id | subcolumns beside their columns, `column_id` is the parent |
| kaiten.lanes | id | live (1) and archived (2); deleted ones (3) may be there |
| kaiten.cards | id | live (1) and archived (2); `space_id` is that of `path_data`, null where that was not asked for |
| kaiten.card_members | card_id, user_id | part of a card; `type` is null where the list does not tell it |
| kaiten.card_tags | card_id, tag_id | part of a card |
| kaiten.card_checklists | card_id, id | part of a card; `items` is jsonb |
| kaiten.comments | id | |
| kaiten.files | id | |

jsonb in cards: properties, tag_ids, parents_ids, children_ids, parent_checklist_ids, children_number_properties_sum, share_settings,
external_user_emails. `created`, `updated`, `*_at`, `*_date`, `due_date`, `planned_*`, `calculated_planned_*` and `notification_sent` are
moments; every `sort_order` and `size` of a card is a fraction. All ids are whole numbers, every `uid` is a text.

Rows with `_left` are what the vendor refers to and does not list: users outside of the list, a hidden board with its columns and lanes,
deleted lanes, cards that are parents and can not be seen, comments and files of cards that were deleted. They may stand as stubs.
"""

from collections.abc import Mapping
from types import MappingProxyType

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kaiten.spaces": ("id",),
        "kaiten.users": ("id",),
        "kaiten.card_types": ("id",),
        "kaiten.tags": ("id",),
        "kaiten.custom_properties": ("id",),
        "kaiten.property_values": ("id",),
        "kaiten.boards": ("id",),
        "kaiten.board_spaces": ("board_id", "space_id"),
        "kaiten.columns": ("id",),
        "kaiten.lanes": ("id",),
        "kaiten.cards": ("id",),
        "kaiten.card_members": ("card_id", "user_id"),
        "kaiten.card_tags": ("card_id", "tag_id"),
        "kaiten.card_checklists": ("card_id", "id"),
        "kaiten.comments": ("id",),
        "kaiten.files": ("id",),
    }
)
"""What tells the rows of a table apart within a shop."""

_STAMPS = "id uid created updated"
_COLUMN = "title sort_order col_count type rules board_id column_id external_id pause_sla"
_WARNING = "last_moved_warning_after_days last_moved_warning_after_hours last_moved_warning_after_minutes"
_CARD = f"""
{_STAMPS} archived title description description_filled asap due_date due_date_time_present sort_order fifo_order state condition
expires_later parents_count children_count children_done has_blocked_children goals_total goals_done time_spent_sum time_blocked_sum
children_number_properties_sum parent_checklist_ids parents_ids children_ids blocking_card blocked size size_unit size_text
board_id column_id lane_id owner_id type_id version updater_id completed_on_time completed_at last_moved_at lane_changed_at
column_changed_at first_moved_to_in_progress_at last_moved_to_done_at sprint_id external_id comments_total comment_last_added_at
properties service_id sd_new_comment public share_id share_settings external_user_emails calculated_planned_start
calculated_planned_end planned_start planned_end estimate_workload tag_ids locked source
"""
_TOLD: Mapping[str, str] = MappingProxyType(
    {
        "kaiten.spaces": f"""{_STAMPS} title archived access for_everyone_access_role_id entity_type path sort_order parent_entity_uid
            company_id external_id settings allowed_card_type_ids""",
        "kaiten.users": f"""{_STAMPS} full_name email username avatar_initials_url avatar_uploaded_url initials avatar_type lng timezone
            theme activated ui_version virtual email_blocked email_blocked_reason delete_requested_at company_id user_id default_space_id
            role external last_request_date last_request_method work_time_settings locked""",
        "kaiten.card_types": f"{_STAMPS} archived name color letter description_template company_id properties",
        "kaiten.tags": f"{_STAMPS} archived name company_id color",
        "kaiten.custom_properties": f"""{_STAMPS} type name condition show_on_facade multiline author_id company_id colorful multi_select
            values_creatable_by_users values_type vote_variant data protected fields_settings color external_id import_uid
            is_used_as_progress""",
        "kaiten.property_values": f"""{_STAMPS} custom_property_id value color deleted condition sort_order external_id author_id
            company_id""",
        "kaiten.boards": f"""{_STAMPS} title cell_wip_limits default_card_type_id description external_id email_key move_parents_to_done
            backward_moves_enabled default_tags first_image_is_cover reset_lane_spent_time automove_cards hide_done_policies
            hide_done_policies_in_done_column auto_assign_enabled card_properties import_uid""",
        "kaiten.board_spaces": "board_id space_id top left sort_order type",
        "kaiten.columns": f"""{_STAMPS} {_COLUMN} wip_limit wip_limit_type archive_after_days {_WARNING} default_tags
            months_to_hide_cards card_hide_after_days""",
        "kaiten.lanes": f"""{_STAMPS} title sort_order row_count wip_limit wip_limit_type {_WARNING} board_id default_card_type_id
            default_tags external_id condition""",
        "kaiten.cards": f"{_CARD} space_id",
        "kaiten.card_members": "card_id user_id type",
        "kaiten.card_tags": "card_id tag_id",
        "kaiten.card_checklists": f"{_STAMPS} card_id name policy_id checklist_id sort_order items",
        "kaiten.comments": f"""{_STAMPS} text type edited card_id author_id email_addresses_to deleted internal
            sd_external_recipients_cc notification_sent sd_description""",
        "kaiten.files": f"""{_STAMPS} url name type size mime_type deleted card_id external author_id comment_id sort_order card_cover
            custom_property_id""",
    }
)
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({table: tuple(text.split()) for table, text in _TOLD.items()})
"""Every table with all of its columns."""

NO_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "GET /spaces": ("boards", "role_permissions", "role", "access_mod", "notifications_enabled"),
        "GET /company/custom-properties": ("values", "author"),
        "GET /spaces/{id}/boards": ("columns", "lanes"),
        "GET /boards/{id}/columns": ("subcolumns",),
        "GET /cards": (
            *("owner", "board", "column", "lane", "type", "path_data", "members", "tags", "checklists", "files", "parents", "children"),
            *("external_links", "blocking_blockers", "counters_recalculated_at"),
        ),
        "GET /cards/{id}": (
            *("key", "milestone_id", "import_id", "parent_link_ids", "iteration", "slas", "blockers"),
            *("blocked_by_card_ids", "blocks_card_ids", "relates_card_ids", "sd_external_recipients", "fts_version"),
        ),
        "GET /cards/{id}/comments": ("author",),
        "GET /cards/{id}/files": ("author",),
    }
)
"""Keys that the vendor sends and no table of these holds, by method. One card (GET /cards/{id}) has those of the list besides."""
