// JDBC with pgjdbc. By default a String is sent as varchar and refused for a uuid, an inet, an interval or jsonb; with
// stringtype=unspecified the server reads it as whatever the argument is.

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.*;
import org.postgresql.util.PSQLException;

public class AuthStore {
    // docs: begin
    static Connection connect() throws SQLException {
        var env = System.getenv();
        return DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE")
            + "?user=" + env.get("PGUSER") + "&stringtype=unspecified");
    }

    /** The row of auth_store.function(); arguments are a name and a value in turn. The names are the program's own, never input. */
    static Map<String, Object> call(Connection db, String function, Object... arguments) throws SQLException {
        var names = new StringJoiner(", ");
        for (int i = 0; i < arguments.length; i += 2) {
            names.add('"' + (String) arguments[i] + "\" => ?");
        }
        try (var statement = db.prepareStatement("SELECT * FROM auth_store." + function + "(" + names + ")")) {
            for (int i = 0; i < arguments.length; i += 2) {
                int number = i / 2 + 1;
                if (arguments[i + 1] == null) {
                    statement.setNull(number, Types.OTHER);
                } else if (arguments[i + 1] instanceof List<?> list) {
                    var type = arguments[i].equals("allowed_cidrs") ? "cidr" : "text";
                    statement.setArray(number, db.createArrayOf(type, list.toArray()));
                } else {
                    statement.setObject(number, arguments[i + 1]); // String, UUID, OffsetDateTime, Integer, Boolean
                }
            }
            try (var rows = statement.executeQuery()) {
                rows.next();
                var row = new LinkedHashMap<String, Object>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.put(rows.getMetaData().getColumnLabel(i), rows.getObject(i));
                }
                return row;
            }
        }
    }

    static Map<String, Object> register(Connection db) throws SQLException {
        return call(db, "client_create", "name", "Phone", "client_type", "public", "redirect_uris", List.of("https://app.example/cb"),
            "scope", "orders profile", "access_token_ttl", "10 minutes", "metadata", "{\"team\": \"shop\"}");
    }
    // docs: end

    static void must(boolean isTrue) {
        if (!isTrue) {
            throw new AssertionError("not as it should be");
        }
    }

    static byte[] random(int length) {
        var bytes = new byte[length];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    static long orders(Connection db, Object user) throws SQLException {
        try (var statement = db.prepareStatement("SELECT count(*) FROM orders WHERE user_id = ?")) {
            statement.setObject(1, user);
            try (var rows = statement.executeQuery()) {
                rows.next();
                return rows.getLong(1);
            }
        }
    }

    public static void main(String[] unused) throws Exception {
        try (var db = connect()) {
            var client = register(db).get("client_id");
            System.out.println("registered: a client");
            var user = (UUID) call(db, "user_ensure", "external_id", HexFormat.of().formatHex(random(8))).get("user_ensure");
            var base64url = Base64.getUrlEncoder().withoutPadding();
            var verifier = base64url.encodeToString(random(32));
            var challenge = base64url.encodeToString(MessageDigest.getInstance("SHA-256").digest(verifier.getBytes()));
            var code = call(db, "code_issue", "client_id", client, "user_id", user, "redirect_uri", "https://app.example/cb", "scope", "orders",
                "code_challenge", challenge, "auth_time", OffsetDateTime.now(), "amr", List.of("pwd", "otp"), "claims", "{\"shop\": 7}",
                "ip", "203.0.113.9", "user_agent", null).get("code");
            Object[] redeem = {"code", code, "client_id", client, "redirect_uri", "https://app.example/cb", "code_verifier", verifier};
            var first = call(db, "code_redeem", redeem);
            System.out.println("redeemed: " + first.get("token_type") + " " + first.get("expires_in") + " " + first.get("scope"));
            var state = call(db, "token_introspect", "token", first.get("access_token"));
            must((Boolean) state.get("active") && user.equals(state.get("user_id"))
                && ((Timestamp) state.get("expires_at")).after((Timestamp) state.get("issued_at")));
            // docs: begin
            // jsonb comes back as a PGobject: toString() is its text, for the application's JSON library.
            System.out.println("introspected: " + state.get("claims").toString().replaceAll("[^0-9]", ""));
            // docs: end
            var second = call(db, "token_refresh", "refresh_token", first.get("refresh_token"), "client_id", client);
            must(second.get("error") == null && !second.get("refresh_token").equals(first.get("refresh_token")));
            System.out.println("refreshed: another refresh token");
            var key = call(db, "api_key_create", "name", "ci", "user_id", user, "scope", "deploy", "allowed_cidrs", List.of("10.0.0.0/8"),
                "expires_at", OffsetDateTime.now().plusDays(30)).get("api_key");
            must((Boolean) call(db, "api_key_verify", "api_key", key, "required_scope", "deploy", "ip", "10.1.2.3").get("valid"));
            System.out.println("API key: valid");
            call(db, "token_revoke", "token", second.get("refresh_token"), "client_id", client);
            must(!(Boolean) call(db, "token_introspect", "token", second.get("access_token")).get("active"));
            System.out.println("revoked: not active");

            // docs: begin
            System.out.println("refused: " + call(db, "code_redeem", redeem).get("error"));
            try {
                call(db, "client_create", "name", "x", "client_type", "mobile");
            } catch (PSQLException mistake) {
                System.out.println("mistake: " + mistake.getSQLState() + " " + mistake.getServerErrorMessage().getHint());
            }
            Object token;
            db.setAutoCommit(false); // from here on: with rows of the application's own, both or neither
            try (var order = db.prepareStatement("INSERT INTO orders (user_id) VALUES (?)")) {
                order.setObject(1, user);
                order.executeUpdate();
                token = call(db, "token_issue", "client_id", client, "user_id", user).get("access_token");
            }
            db.rollback(); // the order failed
            db.setAutoCommit(true);
            // docs: end
            must(!(Boolean) call(db, "token_introspect", "token", token).get("active"));
            System.out.println("rolled back: orders " + orders(db, user));
        }
    }
}
