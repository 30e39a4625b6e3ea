import java.sql.DriverManager;
import java.sql.SQLException;

public class Jdbc {
    public static void main(String[] arguments) throws Exception {
        var env = System.getenv();
        var url = "jdbc:postgresql://127.0.0.1:" + env.get("PGPORT") + "/" + env.get("PGDATABASE") + "?user=" + env.get("PGUSER")
            + (arguments[0].equals("cured") ? "" : "&preferQueryMode=simple");
        try (var db = DriverManager.getConnection(url);
             var statement = db.prepareStatement("SELECT * FROM auth_store.client_create(name => ?, client_type => ?)")) {
            statement.setString(1, env.get("SECRET"));
            statement.setString(2, "mobile");
            statement.executeQuery();
        } catch (SQLException error) {
            System.out.println(error);
        }
    }
}
