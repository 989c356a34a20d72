-- A store as the first version wrote it, as SQL: schema 1. Migrations are proven from here; never write it again.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 2003331889;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,                    -- forward, relay, replay
            sent_at REAL NOT NULL,                 -- unix seconds, UTC
            method BLOB NOT NULL,
            url TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            latency REAL,                          -- seconds
            signed TEXT,                           -- scheme it was signed with afresh
            failure TEXT,                          -- one word, NULL when there is a reply
            error TEXT,
            status INTEGER,                        -- NULL: no reply
            reason TEXT,
            headers BLOB,                          -- the reply's field lines
            truncated INTEGER,
            body BLOB
        );
INSERT INTO "deliveries" VALUES(1,1,'forward',1700000002.0,X'504F5354','http://localhost:3000/',1,0.5,NULL,NULL,NULL,500,'No',X'413A20620D0A',1,X'6F6F7073');
CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,  -- arrival number; never used twice, so that cursors hold
            uid TEXT NOT NULL,                     -- ULID
            received_at REAL NOT NULL,             -- unix seconds, UTC
            head BLOB NOT NULL,                    -- raw request head; rebuilt from its fields when imported
            imported INTEGER NOT NULL DEFAULT 0,   -- 1: the head is not the sender's own bytes
            trailers BLOB,                         -- field lines, NULL for none
            peer TEXT,
            body BLOB NOT NULL
        );
INSERT INTO "events" VALUES(1,'01HF7YAVEW8K11FHB76CMXV7JS',1700000001.5,X'504F5354202F686F6F6B733F783DFF20485454502F312E310D0A486F73743A206C6F63616C686F73740D0A582D4769744875622D4576656E743A0970757368200D0A0D0A',0,X'582D53756D3A20310D0A',NULL,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF');
INSERT INTO "events" VALUES(2,'01HF7YAT00XCTWVKCF4QKMQFWE',1700000000.0,X'504F5354202F20485454502F312E300D0A0D0A',0,NULL,'127.0.0.1:1',X'7B2261223A317D');
INSERT INTO "events" VALUES(3,'01ARYZ6S41TSV4RRFFQ69G5FAV',1.0,X'505554202F7020485454502F312E310D0A413A20620D0A0D0A',1,NULL,NULL,X'');
CREATE TABLE facts (
            event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
            received_at REAL NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            provider TEXT,
            scheme TEXT,
            type TEXT,
            delivery_id TEXT,
            attempt INTEGER,
            signature TEXT NOT NULL,
            reason TEXT,
            age REAL,
            duplicate_of INTEGER,
            reply INTEGER                          -- status the sender got
        );
INSERT INTO "facts" VALUES(1,1700000001.5,'POST','/hooks','github','github','push','d',1,'valid','ok',1.5,NULL,200);
CREATE UNIQUE INDEX events_uid ON events (uid);
CREATE INDEX facts_delivery ON facts (provider, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX deliveries_event ON deliveries (event_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',4);
INSERT INTO "sqlite_sequence" VALUES('deliveries',1);
COMMIT;
