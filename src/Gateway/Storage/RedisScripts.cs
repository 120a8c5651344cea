namespace Gateway.Storage;

/// <summary>What must happen in one step. Redis runs a script alone; keys that it finds by the way have the same hash tag as the others.</summary>
internal static class RedisScripts
{
    /// <summary>Whatever the keys hold, no command fails at it: a script that fails would fail again each time, for everybody whose keys it touches.</summary>
    private const string Types = """
        local function has(key, type) return redis.call('TYPE', key).ok == type end
        local function free(key, type)
            if redis.call('EXISTS', key) == 0 or has(key, type) then return false end
            redis.call('DEL', key)
            return true
        end
        local function fields(key, ...)
            if has(key, 'hash') then return redis.call('HMGET', key, ...) end
            return {}
        end

        """;

    /// <summary>
    /// What came before what is told by Redis's clock alone: gateways say how long ago something was, and theirs may differ by minutes.
    /// </summary>
    private const string Ago = Types + """
        local function ago(milliseconds)
            local time = redis.call('TIME')
            return time[1] * 1000 + math.floor(time[2] / 1000) - math.max(tonumber(milliseconds), 0)
        end

        """;

    /// <summary>
    /// A tombstone that cannot be read stands for an end of this moment, for a day: whoever it was about signs in once more, and is not kept out
    /// for ever. The second result is whether it was so.
    /// </summary>
    private const string Tombstone = Ago + """
        local function tombstone(key)
            if redis.call('EXISTS', key) == 0 then return nil, false end
            local now = ago(0)
            if has(key, 'string') and redis.call('STRLEN', key) <= 20 then
                local at = tonumber(redis.call('GET', key))
                if at and at >= 0 and at <= now + 600000 and redis.call('PTTL', key) ~= -1 then return at, false end
            end
            redis.call('SET', key, string.format('%.0f', now), 'PX', 86400000)
            return now, true
        end

        """;

    /// <summary>
    /// KEYS: session, tombstone and index of the person, then of the `sid`. ARGV: how long ago it was heard, now, ends at, idle, name,
    /// prefix of sessions, then the fields.
    /// Gives 1, or 2 where an index could not be read; 0 where the provider has ended it, or -1 where that could not be read.
    /// </summary>
    public const string Add = Tombstone + """
        for at = 2, #KEYS, 2 do
            local ended, unreadable = tombstone(KEYS[at])
            if ended and (at == 4 or unreadable or ended >= ago(ARGV[1])) then return unreadable and -1 or 0 end
        end
        local heard = ago(ARGV[1])
        local life = math.max(tonumber(ARGV[3]) - tonumber(ARGV[2]), 1)
        local answer = 1
        redis.call('DEL', KEYS[1])
        for at = 7, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
        redis.call('HSET', KEYS[1], 'heard', string.format('%.0f', heard))
        redis.call('PEXPIRE', KEYS[1], math.min(life, tonumber(ARGV[4])))
        for at = 3, #KEYS, 2 do
            if free(KEYS[at], 'set') then answer = 2 end
            -- What expired leaves its name in the index: a few are looked at each time, and none stays for long.
            for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[at], 5)) do
                if redis.call('EXISTS', ARGV[6] .. name) == 0 then redis.call('SREM', KEYS[at], name) end
            end
            redis.call('SADD', KEYS[at], ARGV[5])
            if redis.call('PTTL', KEYS[at]) < life then redis.call('PEXPIRE', KEYS[at], life) end
        end
        return answer
        """;

    /// <summary>KEYS: session. ARGV: version, record, info.</summary>
    public const string Replace = Types + """
        if fields(KEYS[1], 'version')[1] ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], 'record', ARGV[2], 'info', ARGV[3])
        redis.call('HINCRBY', KEYS[1], 'version', 1)
        return 1
        """;

    /// <summary>KEYS: session. ARGV: used at, idle.</summary>
    public const string Touch = Types + """
        local kept = fields(KEYS[1], 'used', 'expires')
        local used, expires = tonumber(kept[1] or ''), tonumber(kept[2] or '')
        if not used or not expires or not (expires >= 0 and expires < 1e15) or used >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'used', ARGV[1])
        redis.call('PEXPIRE', KEYS[1], math.max(math.min(expires - tonumber(ARGV[1]), tonumber(ARGV[2])), 1))
        return 1
        """;

    /// <summary>KEYS: session. ARGV: name, channel, which replica sends it, 1 where it is published even if there is no such session, prefix of
    /// indexes.</summary>
    /// <remarks>A user without the right to publish ends sessions all the same: other replicas then learn of it when they ask.</remarks>
    public const string Remove = Types + """
        local of = fields(KEYS[1], 'sid', 'person')
        local gone = redis.call('DEL', KEYS[1])
        for at = 1, 2 do
            if of[at] and of[at] ~= '' then redis.pcall('SREM', ARGV[5] .. of[at], ARGV[1]) end
        end
        if gone == 1 or ARGV[4] == '1' then redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. ARGV[1]) end
        return gone
        """;

    /// <summary>In the answer of <see cref="EndAll"/>: the index could not be read, and nothing was ended by it.</summary>
    public const string UnreadableIndex = "!index";

    /// <summary>The same of a member of the index, which is taken out.</summary>
    public const string UnreadableMember = "!member";

    /// <summary>The same of the tombstone.</summary>
    public const string UnreadableTombstone = "!tombstone";

    /// <summary>
    /// KEYS: index, tombstone. ARGV: how long ago it ended, milliseconds that the tombstone stays, channel, who says it, 1 where it comes late
    /// and what of a person began after it stays, the index's own name, prefix of sessions, prefix of indexes.
    /// </summary>
    /// <remarks>
    /// The sessions go first: a Redis that is full takes nothing new, but after a first write it lets a script finish. A session that cannot be
    /// read ends, too.
    /// </remarks>
    public const string EndAll = Tombstone + """
        if free(KEYS[1], 'set') then return {'!index'} end
        local at = ago(ARGV[1])
        local ended = {}
        local unreadable = {}
        for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
            local key = ARGV[7] .. name
            local of = fields(key, 'sid', 'person', 'heard')
            local heard = tonumber(of[3] or '')
            local later = ARGV[5] == '1' and of[2] == ARGV[6] and heard and heard > at
            if #name ~= 64 or string.find(name, '[^0-9a-f]') then
                redis.call('SREM', KEYS[1], name)
                unreadable[1] = '!member'
            elseif redis.call('EXISTS', key) == 0 then
                redis.call('SREM', KEYS[1], name)
            elseif not later then
                redis.call('DEL', key)
                redis.call('SREM', KEYS[1], name)
                table.insert(ended, name)
                for at = 1, 2 do
                    if of[at] and of[at] ~= '' then redis.pcall('SREM', ARGV[8] .. of[at], name) end
                end
            end
        end
        local before, replaced = tombstone(KEYS[2])
        local life = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[2]), 1)
        if not before or before < at then before = at end
        redis.call('SET', KEYS[2], string.format('%.0f', before), 'PX', life)
        if #ended > 0 then redis.pcall('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. table.concat(ended, ' ')) end
        if replaced then table.insert(unreadable, '!tombstone') end
        for _, what in ipairs(unreadable) do table.insert(ended, what) end
        return ended
        """;

    /// <summary>KEYS: index, session. ARGV: name. Takes the name of what expired out of its index.</summary>
    public const string Prune = Types + """
        if has(KEYS[1], 'set') and redis.call('EXISTS', KEYS[2]) == 0 then return redis.call('SREM', KEYS[1], ARGV[1]) end
        return 0
        """;

    /// <summary>KEYS: index, session. ARGV: name. Puts a session back into its index, which could not be read.</summary>
    public const string PutBack = Types + """
        free(KEYS[1], 'set')
        local life = redis.call('PTTL', KEYS[2])
        if life == -2 then return 0 end
        redis.call('SADD', KEYS[1], ARGV[1])
        if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], life) end
        return 1
        """;

    /// <summary>KEYS: session, lease. ARGV: holder, milliseconds. A lease without an expiry, or with one that no gateway gives, does not count.</summary>
    public const string AcquireLease = Types + """
        if not free(KEYS[2], 'string') then
            local left = redis.call('PTTL', KEYS[2])
            if left == -1 or left > 600000 then redis.call('DEL', KEYS[2]) end
        end
        if redis.call('EXISTS', KEYS[1]) == 0 or not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
        return 1
        """;

    /// <summary>KEYS: lease. Gives 1 where nobody holds it.</summary>
    public const string IsLeaseFree = Types + """
        local left = redis.call('PTTL', KEYS[1])
        if not has(KEYS[1], 'string') or left == -1 or left > 600000 then return 1 end
        return 0
        """;

    /// <summary>KEYS: lease. ARGV: holder.</summary>
    public const string ReleaseLease = Types + """
        if not has(KEYS[1], 'string') or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <summary>KEYS: secret. ARGV: a new one. Gives the one that counts, and 1 where one that could not be read made room for it.</summary>
    public const string KeepSecret = Types + """
        local there = redis.call('EXISTS', KEYS[1])
        if has(KEYS[1], 'string') and redis.call('STRLEN', KEYS[1]) == #ARGV[1] then return {redis.call('GET', KEYS[1]), 0} end
        redis.call('SET', KEYS[1], ARGV[1])
        return {ARGV[1], there}
        """;

    /// <summary>KEYS: list. ARGV: how long it was when it was read, the new entry.</summary>
    public const string AppendUnlessGrown = Types + """
        free(KEYS[1], 'list')
        if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
        redis.call('RPUSH', KEYS[1], ARGV[2])
        return 1
        """;

    /// <summary>KEYS: whatever. ARGV: the type that each must have. Gives the places of those that have another, which are removed.</summary>
    public const string Free = Types + """
        local freed = {}
        for at = 1, #KEYS do
            if free(KEYS[at], ARGV[at]) then table.insert(freed, at) end
        end
        return freed
        """;

    /// <summary>
    /// Every script about one link begins with KEYS: link, link under the name of the version before, all links, and ARGV: prefix of links, prefix of
    /// the links of a user, prefix of the links of a subject, name, name of the version before, provider. A link that the version before wrote
    /// for that provider is moved first.
    /// </summary>
    private const string Moved = Types + """
        local function move(from)
            local of = fields(ARGV[1] .. from, 'id', 'user_id')
            redis.call('RENAME', ARGV[1] .. from, KEYS[1])
            redis.call('HSET', KEYS[1], 'provider', ARGV[6], 'at', ARGV[5])
            for _, set in ipairs({ KEYS[3], ARGV[2] .. (of[2] or '') }) do
                redis.pcall('ZREM', set, from)
                redis.pcall('ZADD', set, of[1] or 0, ARGV[4])
            end
            redis.pcall('SREM', ARGV[3] .. ARGV[5], from)
            redis.pcall('SADD', ARGV[3] .. ARGV[5], ARGV[4])
        end
        if redis.call('EXISTS', KEYS[1]) == 0 and fields(KEYS[2], 'provider')[1] == ARGV[6] then move(ARGV[5]) end

        """;

    private const string Removed = Types + """
        local function remove(name, all)
            local key = ARGV[1] .. name
            local of = fields(key, 'user_id', 'at')
            local was = redis.call('HGETALL', key)
            redis.call('DEL', key)
            redis.pcall('ZREM', all, name)
            if of[1] then redis.pcall('ZREM', ARGV[2] .. of[1], name) end
            if of[2] then redis.pcall('SREM', ARGV[3] .. of[2], name) end
            return was
        end

        """;

    /// <summary>As <see cref="Moved"/>.</summary>
    public const string FindLink = Moved + "return redis.call('HGETALL', KEYS[1])";

    /// <summary>As <see cref="Moved"/>. KEYS: links of issuer and subject. ARGV: the providers of the settings.</summary>
    public const string TakeOverLink = Moved + """
        local configured = {}
        for at = 7, #ARGV do configured[ARGV[at]] = true end
        local left = {}
        local names = has(KEYS[4], 'set') and redis.call('SMEMBERS', KEYS[4]) or {}
        table.insert(names, ARGV[5])
        for _, name in ipairs(names) do
            local provider = fields(ARGV[1] .. name, 'provider')[1]
            if provider and not configured[provider] then table.insert(left, name) end
        end
        if redis.call('EXISTS', KEYS[1]) == 0 and #left == 1 then move(left[1]) end
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>
    /// As <see cref="Moved"/>. KEYS: reservation, that of the version before, links of the user, counter, users claimed, links of issuer and
    /// subject. ARGV: only to a free user, the claim, then the fields.
    /// </summary>
    public const string AddLink = Moved + """
        local unreadable = redis.call('EXISTS', KEYS[8]) == 1 and not has(KEYS[8], 'set')
        local taken = unreadable or redis.call('EXISTS', KEYS[6]) == 1 or redis.call('SISMEMBER', KEYS[8], ARGV[8]) == 1
        if redis.call('EXISTS', KEYS[1]) == 0 and not (ARGV[7] == '1' and taken) then
            local id = redis.call('INCR', KEYS[7])
            redis.call('HSET', KEYS[1], 'id', id, 'at', ARGV[5])
            for at = 9, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
            redis.pcall('SADD', KEYS[8], ARGV[8])
            redis.call('ZADD', KEYS[3], id, ARGV[4])
            redis.call('ZADD', KEYS[6], id, ARGV[4])
            free(KEYS[9], 'set')
            redis.call('SADD', KEYS[9], ARGV[4])
        end
        if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[4], KEYS[5]) end
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>KEYS: links of the user, all links. ARGV: the three prefixes, number, user.</summary>
    public const string RemoveLinkById = Removed + """
        local names = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[4], ARGV[4])
        local of = names[1] and fields(ARGV[1] .. names[1], 'id', 'user_id')
        if not of or of[1] ~= ARGV[4] or of[2] ~= ARGV[5] then return {} end
        return remove(names[1], KEYS[2])
        """;

    /// <summary>As <see cref="Moved"/>.</summary>
    public const string RemoveLinkOfPerson = Moved + Removed + """
        if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
        return remove(ARGV[4], KEYS[3])
        """;

    /// <summary>As <see cref="Moved"/>. ARGV: id, heard at, label.</summary>
    public const string NoteLink = Moved + """
        local of = redis.call('HMGET', KEYS[1], 'id', 'heard_at')
        if of[1] ~= ARGV[7] or (tonumber(of[2] or '') or 0) > tonumber(ARGV[8]) then return 0 end
        redis.call('HSET', KEYS[1], 'heard_at', ARGV[8], 'label', ARGV[9])
        return 1
        """;
}
