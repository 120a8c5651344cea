namespace Gateway.Storage;

/// <summary>What must happen in one step. Redis runs a script alone; keys that it finds by the way have the same hash tag as the others.</summary>
internal static class RedisScripts
{
    /// <summary>
    /// What came before what is told by Redis's clock alone: gateways say how long ago something was, and theirs may differ by minutes.
    /// </summary>
    private const string Ago = """
        local function ago(milliseconds)
            local time = redis.call('TIME')
            return time[1] * 1000 + math.floor(time[2] / 1000) - math.max(tonumber(milliseconds), 0)
        end

        """;

    /// <summary>KEYS: session, tombstone and index of the person, then of the `sid`. ARGV: how long ago it was heard, now, ends at, idle, name, then the fields.</summary>
    public const string Add = Ago + """
        if KEYS[4] and redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
        local ended = redis.call('GET', KEYS[2])
        local heard = ago(ARGV[1])
        if ended and tonumber(ended) >= heard then return 0 end
        local life = math.max(tonumber(ARGV[3]) - tonumber(ARGV[2]), 1)
        redis.call('DEL', KEYS[1])
        for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
        redis.call('HSET', KEYS[1], 'heard', string.format('%.0f', heard))
        redis.call('PEXPIRE', KEYS[1], math.min(life, tonumber(ARGV[4])))
        for at = 3, #KEYS, 2 do
            -- What expired leaves its name in the index: a few are looked at each time, and none stays for long.
            for _, name in ipairs(redis.call('SRANDMEMBER', KEYS[at], 5)) do
                if redis.call('EXISTS', '{pgw}:s2:' .. name) == 0 then redis.call('SREM', KEYS[at], name) end
            end
            redis.call('SADD', KEYS[at], ARGV[5])
            if redis.call('PTTL', KEYS[at]) < life then redis.call('PEXPIRE', KEYS[at], life) end
        end
        return 1
        """;

    /// <summary>KEYS: session. ARGV: version, record, info.</summary>
    public const string Replace = """
        if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], 'record', ARGV[2], 'info', ARGV[3])
        redis.call('HINCRBY', KEYS[1], 'version', 1)
        return 1
        """;

    /// <summary>KEYS: session. ARGV: used at, idle.</summary>
    public const string Touch = """
        local kept = redis.call('HMGET', KEYS[1], 'used', 'expires')
        if not kept[1] or tonumber(kept[1]) >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'used', ARGV[1])
        redis.call('PEXPIRE', KEYS[1], math.max(math.min(tonumber(kept[2]) - tonumber(ARGV[1]), tonumber(ARGV[2])), 1))
        return 1
        """;

    /// <summary>KEYS: session. ARGV: name, channel, who says it, 1 where it is said even if there is no such session.</summary>
    /// <remarks>A user without the right to publish ends sessions all the same: other replicas then learn of it when they ask.</remarks>
    public const string Remove = """
        local of = redis.call('HMGET', KEYS[1], 'sid', 'person')
        local gone = redis.call('DEL', KEYS[1])
        for at = 1, 2 do
            if of[at] and of[at] ~= '' then redis.call('SREM', '{pgw}:i:' .. of[at], ARGV[1]) end
        end
        if gone == 1 or ARGV[4] == '1' then redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. ARGV[1]) end
        return gone
        """;

    /// <summary>
    /// KEYS: index, tombstone. ARGV: how long ago it ended, milliseconds that the tombstone stays, channel, who says it, 1 where it comes late
    /// and what of a person began after it stays, the index's own name.
    /// </summary>
    /// <remarks>The sessions go first: a Redis that is full takes nothing new, but after a first write it lets a script finish.</remarks>
    public const string EndAll = Ago + """
        local at = ago(ARGV[1])
        local ended = {}
        for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
            local key = '{pgw}:s2:' .. name
            local of = redis.call('HMGET', key, 'sid', 'person', 'heard')
            local later = ARGV[5] == '1' and of[2] == ARGV[6] and of[3] and tonumber(of[3]) > at
            if not of[2] then
                redis.call('SREM', KEYS[1], name)
            elseif not later then
                redis.call('DEL', key)
                table.insert(ended, name)
                for at = 1, 2 do
                    if of[at] and of[at] ~= '' then redis.call('SREM', '{pgw}:i:' .. of[at], name) end
                end
            end
        end
        local before = redis.call('GET', KEYS[2])
        local life = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[2]), 1)
        if not before or tonumber(before) < at then before = string.format('%.0f', at) end
        redis.call('SET', KEYS[2], before, 'PX', life)
        if #ended > 0 then redis.pcall('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. table.concat(ended, ' ')) end
        return ended
        """;

    /// <summary>KEYS: index, session. ARGV: name. Takes the name of what expired out of its index.</summary>
    public const string Prune = """
        if redis.call('EXISTS', KEYS[2]) == 0 then return redis.call('SREM', KEYS[1], ARGV[1]) end
        return 0
        """;

    /// <summary>KEYS: session, claim. ARGV: who claims it, milliseconds.</summary>
    public const string Claim = """
        if redis.call('EXISTS', KEYS[1]) == 0 or not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
        return 1
        """;

    /// <summary>KEYS: claim. ARGV: who gives it back.</summary>
    public const string Release = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <summary>KEYS: list. ARGV: how long it was when it was read, the new entry.</summary>
    public const string AppendUnlessGrown = """
        if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
        redis.call('RPUSH', KEYS[1], ARGV[2])
        return 1
        """;

    /// <summary>
    /// Every script about one link begins with KEYS: link, link under the name of the version before, all links, and ARGV: name, name of the
    /// version before, provider. A link that the version before wrote for that provider is moved first.
    /// </summary>
    private const string Moved = """
        local function move(from)
            local of = redis.call('HMGET', '{pgw}:link:' .. from, 'id', 'user_id')
            redis.call('RENAME', '{pgw}:link:' .. from, KEYS[1])
            redis.call('HSET', KEYS[1], 'provider', ARGV[3], 'at', ARGV[2])
            for _, set in ipairs({ KEYS[3], '{pgw}:links-of:' .. of[2] }) do
                redis.call('ZREM', set, from)
                redis.call('ZADD', set, of[1], ARGV[1])
            end
            redis.call('SREM', '{pgw}:links-at:' .. ARGV[2], from)
            redis.call('SADD', '{pgw}:links-at:' .. ARGV[2], ARGV[1])
        end
        if redis.call('EXISTS', KEYS[1]) == 0 and redis.call('HGET', KEYS[2], 'provider') == ARGV[3] then move(ARGV[2]) end

        """;

    private const string Removed = """
        local function remove(name)
            local key = '{pgw}:link:' .. name
            local of = redis.call('HMGET', key, 'user_id', 'at')
            local was = redis.call('HGETALL', key)
            redis.call('DEL', key)
            redis.call('ZREM', '{pgw}:links', name)
            if of[1] then redis.call('ZREM', '{pgw}:links-of:' .. of[1], name) end
            if of[2] then redis.call('SREM', '{pgw}:links-at:' .. of[2], name) end
            return was
        end

        """;

    /// <summary>As <see cref="Moved"/>.</summary>
    public const string FindLink = Moved + "return redis.call('HGETALL', KEYS[1])";

    /// <summary>As <see cref="Moved"/>. KEYS: links of issuer and subject. ARGV: the providers of the settings.</summary>
    public const string TakeOverLink = Moved + """
        local configured = {}
        for at = 4, #ARGV do configured[ARGV[at]] = true end
        local left = {}
        local names = redis.call('SMEMBERS', KEYS[4])
        table.insert(names, ARGV[2])
        for _, name in ipairs(names) do
            local provider = redis.call('HGET', '{pgw}:link:' .. name, 'provider')
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
        local taken = redis.call('EXISTS', KEYS[6]) == 1 or redis.call('SISMEMBER', KEYS[8], ARGV[5]) == 1
        if redis.call('EXISTS', KEYS[1]) == 0 and not (ARGV[4] == '1' and taken) then
            local id = redis.call('INCR', KEYS[7])
            redis.call('HSET', KEYS[1], 'id', id, 'at', ARGV[2])
            for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
            redis.call('SADD', KEYS[8], ARGV[5])
            redis.call('ZADD', KEYS[3], id, ARGV[1])
            redis.call('ZADD', KEYS[6], id, ARGV[1])
            redis.call('SADD', KEYS[9], ARGV[1])
        end
        if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[4], KEYS[5]) end
        return redis.call('HGETALL', KEYS[1])
        """;

    /// <summary>KEYS: links of the user, all links. ARGV: number, user.</summary>
    public const string RemoveLinkByNumber = Removed + """
        local names = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[1])
        local of = names[1] and redis.call('HMGET', '{pgw}:link:' .. names[1], 'id', 'user_id')
        if not of or of[1] ~= ARGV[1] or of[2] ~= ARGV[2] then return {} end
        return remove(names[1])
        """;

    /// <summary>As <see cref="Moved"/>.</summary>
    public const string RemoveLinkOfPerson = Moved + Removed + """
        if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
        return remove(ARGV[1])
        """;

    /// <summary>As <see cref="Moved"/>. ARGV: id, heard at, label.</summary>
    public const string NoteLink = Moved + """
        local of = redis.call('HMGET', KEYS[1], 'id', 'heard_at')
        if of[1] ~= ARGV[4] or tonumber(of[2]) > tonumber(ARGV[5]) then return 0 end
        redis.call('HSET', KEYS[1], 'heard_at', ARGV[5], 'label', ARGV[6])
        return 1
        """;
}
