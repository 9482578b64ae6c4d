BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'callops','the_log','2026-11-21 13:25:54.617727+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'callops','slack','2026-11-21 13:25:54.620784+00:00');
CREATE TABLE actions (
            n INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            request TEXT NOT NULL REFERENCES requests (id),
            position INTEGER NOT NULL,
            kind TEXT NOT NULL,
            connection TEXT NOT NULL,
            requester TEXT NOT NULL,
            agent TEXT,
            target_id TEXT,
            scheduled_for INTEGER,
            state TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            doubted INTEGER NOT NULL,
            owner TEXT,
            lease_until INTEGER,
            not_before INTEGER,
            code TEXT,
            message TEXT,
            retry TEXT,
            reference TEXT,
            http_status INTEGER,
            asked_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            asked_event INTEGER NOT NULL REFERENCES events (seq),
            last_event INTEGER NOT NULL REFERENCES events (seq),
            UNIQUE (request, position)
        ) STRICT;
INSERT INTO "actions" VALUES(1,'A-2222.1','A-2222',1,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'unknown',1,0,NULL,NULL,NULL,'queued','The provider has it.',NULL,NULL,200,1772452800123456,1772452801123456,1,6);
INSERT INTO "actions" VALUES(2,'A-2222.2','A-2222',2,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,2,4);
CREATE TABLE approvals (
            event INTEGER PRIMARY KEY REFERENCES events (seq),
            request TEXT NOT NULL REFERENCES requests (id),
            person TEXT NOT NULL,
            decision TEXT NOT NULL,
            "group" TEXT,
            members TEXT NOT NULL,
            content TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
INSERT INTO "approvals" VALUES(3,'A-2222','U0MANAGER','approve','S0MANAGERS','U0MANAGER U0SECOND','a hash',1772452800123456);
CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            request TEXT NOT NULL,
            entry TEXT NOT NULL,
            name TEXT NOT NULL,
            actor TEXT NOT NULL,
            data TEXT NOT NULL,
            private TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL
        ) STRICT;
INSERT INTO "events" VALUES(1,1772452800123456,'A-2222','A-2222.1','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":1,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"ef17d32adc73a12346bb500ab005494379155ccc8db946a7a208ccc5f0e8ab80","reason":"77a9088c896c3cedf025a4c89bd78922dd105b71fff32290095da3684586aeef"}','0000000000000000000000000000000000000000000000000000000000000000','f0a8390b4f4c2a27dfa756bb523f3aa87ed4448bec468f3b8e6e3f80973fe205');
INSERT INTO "events" VALUES(2,1772452800123456,'A-2222','A-2222.2','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":2,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"6b2b620e0ed8bb723f3297e7adfd2b115fed88844fb42a54458cec4e7424b1b4"}','f0a8390b4f4c2a27dfa756bb523f3aa87ed4448bec468f3b8e6e3f80973fe205','7d3a558a1f967a437d5d0f2ad399a85b028dc92f27da71d50f370680d2621143');
INSERT INTO "events" VALUES(3,1772452800123456,'A-2222','A-2222.1','approved','U0MANAGER','{"approval.content":"a hash","approval.decision":"approve","approval.group":"S0MANAGERS","approval.members":"U0MANAGER U0SECOND","approval.person":"U0MANAGER","state":"approved"}','{}','7d3a558a1f967a437d5d0f2ad399a85b028dc92f27da71d50f370680d2621143','2488ac08543fb816c611135eee4bbcb480d00bba15b16c3d0362ec7841ecdb77');
INSERT INTO "events" VALUES(4,1772452800123456,'A-2222','A-2222.2','approved','U0MANAGER','{"state":"approved"}','{}','2488ac08543fb816c611135eee4bbcb480d00bba15b16c3d0362ec7841ecdb77','0d9e9fc9a1ab8319fe7782c92f29cc4ca0ccb36b79e51f21630b2c2e66085894');
INSERT INTO "events" VALUES(5,1772452800123456,'A-2222','A-2222.1','sending','one','{"attempt":1,"lease_until":1772452830123456,"owner":"one","state":"sending"}','{}','0d9e9fc9a1ab8319fe7782c92f29cc4ca0ccb36b79e51f21630b2c2e66085894','9d382f1a6c7579a8f83817b2b8c1a95c32e23593f432b342b0b74d536702c5bb');
INSERT INTO "events" VALUES(6,1772452801123456,'A-2222','A-2222.1','unknown','system','{"code":"queued","http_status":200,"message":"The provider has it.","reference":null,"state":"unknown"}','{"raw":"2ba9e18d8707fdaa91c5976e618f405702ce7086a34a8924f48e1dcec9398618"}','9d382f1a6c7579a8f83817b2b8c1a95c32e23593f432b342b0b74d536702c5bb','e63bf9eaa3b73d44fc28db5b65d2f514a7571ab97e7ec4850d569a6522b7d242');
CREATE TABLE inbound (
            id TEXT PRIMARY KEY,
            request TEXT NOT NULL REFERENCES requests (id),
            at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
INSERT INTO "inbound" VALUES('t1','A-2222',1772452800123456);
CREATE TABLE lookup (
            action INTEGER PRIMARY KEY REFERENCES actions (n),
            number BLOB NOT NULL
        ) STRICT;
INSERT INTO "lookup" VALUES(1,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1');
INSERT INTO "lookup" VALUES(2,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671');
CREATE TABLE messages (
            request TEXT NOT NULL REFERENCES requests (id),
            slot TEXT NOT NULL,
            channel TEXT NOT NULL,
            ts TEXT NOT NULL,
            PRIMARY KEY (request, slot)
        ) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('key',X'F0C5BFF91C27F0D79F9036F49A6EAC8752627FFE34B57FFFEBDC91788C2E6514');
CREATE TABLE nonces (
            id INTEGER PRIMARY KEY,
            nonce TEXT NOT NULL UNIQUE,
            person TEXT,
            content TEXT,
            request TEXT REFERENCES requests (id),
            at INTEGER NOT NULL
        ) STRICT;
INSERT INTO "nonces" VALUES(1,'n1',NULL,NULL,'A-2222',1772452800123456);
CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            request TEXT NOT NULL REFERENCES requests (id),
            entry TEXT NOT NULL,
            event INTEGER NOT NULL REFERENCES events (seq),
            template TEXT NOT NULL,
            slot TEXT NOT NULL,
            not_before INTEGER,
            owner TEXT,
            lease_until INTEGER,
            tries INTEGER NOT NULL DEFAULT 0,
            error TEXT,
            ended TEXT CHECK (ended IN ('delivered', 'covered', 'abandoned')),
            ended_at INTEGER
        ) STRICT;
INSERT INTO "outbox" VALUES(1,'A-2222','A-2222.1',1,'state','audit',NULL,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE people (
            id TEXT PRIMARY KEY,
            team TEXT NOT NULL,
            name TEXT NOT NULL,
            timezone TEXT NOT NULL,
            bot INTEGER NOT NULL,
            deleted INTEGER NOT NULL,
            guest INTEGER NOT NULL,
            stranger INTEGER NOT NULL,
            read_at INTEGER NOT NULL
        ) STRICT;
CREATE TABLE personal (
            id INTEGER PRIMARY KEY,
            event INTEGER NOT NULL REFERENCES events (seq),
            field TEXT NOT NULL,
            salt BLOB,
            value TEXT,
            UNIQUE (event, field)
        ) STRICT;
INSERT INTO "personal" VALUES(1,1,'action',X'00000000000000000000000000000000','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543210"}}');
INSERT INTO "personal" VALUES(2,1,'reason',X'00000000000000000000000000000000','customer asked');
INSERT INTO "personal" VALUES(3,2,'action',X'00000000000000000000000000000000','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543211"}}');
INSERT INTO "personal" VALUES(4,6,'raw',X'00000000000000000000000000000000','{"ok": true}');
CREATE TABLE requests (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            connection TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            requester TEXT NOT NULL,
            team TEXT NOT NULL,
            channel TEXT,
            rule TEXT,
            approvals_needed INTEGER NOT NULL,
            decide_by INTEGER,
            asked_at INTEGER NOT NULL
        ) STRICT;
INSERT INTO "requests" VALUES('A-2222','cancel_call','reminders','callkaro:1','U0AGENT','T0',NULL,'cancellations need a manager',1,1772481600123456,1772452800123456);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX events_request ON events (request);
CREATE INDEX events_reference ON events (json_extract(data, '$.reference'))
            WHERE json_extract(data, '$.reference') IS NOT NULL;
CREATE TRIGGER events_follow BEFORE INSERT ON events
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
        BEGIN SELECT raise(ABORT, 'events are appended, one after another'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
        BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_hold BEFORE UPDATE ON events
        BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE INDEX actions_state ON actions (state);
CREATE INDEX actions_kind ON actions (kind);
CREATE INDEX actions_connection ON actions (connection);
CREATE INDEX actions_requester ON actions (requester);
CREATE INDEX actions_target ON actions (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX actions_approved ON actions (last_event) WHERE state = 'approved';
CREATE INDEX approvals_request ON approvals (request);
CREATE INDEX lookup_number ON lookup (number);
CREATE INDEX inbound_at ON inbound (at);
CREATE INDEX nonces_kept ON nonces (at) WHERE content IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (request, id) WHERE ended IS NULL;
COMMIT;
